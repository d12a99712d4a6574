/* Reply codes and enhanced status codes, found wherever real systems put them. */
#ifndef EXPLAIN_CODES_H
#define EXPLAIN_CODES_H

#include "explain/explain.h"

/* The codes of text, which is one failure's words. Numbers in addresses, dates, sizes and ids are
 * none. */
struct explain_codes codes_find(struct slice text);

/* All of text is one code or a pair: "550", "5.7.1", "550 5.7.1", "#5.1.1". */
bool codes_alone(struct slice text, struct explain_codes *codes);

/* Cut "550 ", "550-5.1.1 ", "5.1.1 " from the front of a reply line, with the spaces around it. */
bool codes_take(struct slice *line, struct explain_codes *codes);

/* An enhanced code and nothing else. */
bool codes_parse_enhanced(struct slice text, uint16_t enhanced[3]);

/* Is mask ("550", "4yz", "5.7.1", "x.1.z"; x, y, z stand for any number) one of these codes? */
bool codes_match(struct slice mask, const struct explain_codes *codes);

/* Could mask be such a mask? */
bool codes_is_mask(struct slice mask);

#endif
