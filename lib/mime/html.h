/* What a reader would see of an HTML body, as plain text: for searching and for reading by
 * programs. This makes nothing safe: what comes out is text, and whoever shows it on a page quotes
 * it like any other text. */
#ifndef MIME_HTML_H
#define MIME_HTML_H

#include "base/buf.h"

/* html is UTF-8 (as mime_text_put gives it), and so is what is appended: tags, comments, scripts
 * and styles are gone, what stands in a block of its own stands on a line of its own, blanks are
 * one space but in <pre>, character references are characters. An address in angle brackets that
 * nobody escaped is text. One pass. False: the cap of out is reached, and out holds the front. */
bool mime_html_put(struct buf *out, struct slice html);

#endif
