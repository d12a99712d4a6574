/* What both test programs of this room need. */
#ifndef CONF_TEST_CONF_H
#define CONF_TEST_CONF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "conf/conf_private.h"

#define TLS_LINE "tls mx.example.org certificate a.pem key a.key\n"

static struct conf_mistakes mistakes; /* too large for a stack */

static const struct conf *
parse(struct slice text)
{
    struct conf_input input = {text, "f", "/etc/x", NULL, "mx.example.org"};

    return conf_parse(&input, &mistakes);
}

/* What was said, as `config check` prints it; free it. */
static char *
said(void)
{
    struct buf out;
    char *text;

    buf_init(&out, 1 << 20);
    assert_true(conf_mistakes_put(&mistakes, &out));
    text = malloc(out.len + 1);
    assert_true(slice_to_string(buf_slice(&out), text, out.len + 1));
    buf_clear(&out);
    return text;
}

#endif
