/* libcurl's multi interface over our own loop, so that it needs no thread. */
#ifndef FETCH_ENGINE_H
#define FETCH_ENGINE_H

#include <curl/curl.h>

#include "loop/loop.h"

/* Before the jail: libcurl and OpenSSL set themselves up. */
void engine_prepare(void);

/* The one engine there is. done: a handle that was added is finished, and removed again. */
void engine_start(struct loop *l, void (*done)(CURL *easy, CURLcode result));
void engine_add(CURL *easy);
void engine_remove(CURL *easy); /* one that is not finished */

#endif
