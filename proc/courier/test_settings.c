/* Lines of the configuration as the parent hands them on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings.h"

static struct settings *
make(const char *password)
{
    struct settings *s = settings_new();

    settings_put_route(s, SLICE("* smart.example 587 must some user"));
    settings_put_password(s, SLICE("*"), slice_of(password));
    settings_put_route(s, SLICE("a.example 192.0.2.1 25 never"));
    settings_put_route(s, SLICE("b.example 2001:db8::1 465 may"));
    settings_put_route(s, SLICE("c.example mx.c.example 25 verify"));
    settings_put_address(s, SLICE("192.0.2.7"));
    settings_put_address(s, SLICE("2001:db8::7"));
    return s;
}

static void
everything_is_kept(void **state)
{
    struct settings *s = make("pencil\r\nnot this\n");

    (void)state;
    assert_int_equal(s->route_count, 4);
    assert_true(slice_eq(s->fixed[0].domain, SLICE("*")));
    assert_true(slice_eq(s->fixed[0].host, SLICE("smart.example")));
    assert_int_equal(s->fixed[0].port, 587);
    assert_int_equal(s->routes[0].tls, SMTP_TLS_MUST);
    assert_true(slice_eq(s->routes[0].login, SLICE("some user")));
    assert_true(slice_eq(secret_get(&s->routes[0].password), SLICE("pencil")));
    assert_int_equal(s->routes[1].tls, SMTP_TLS_NEVER);
    assert_int_equal(s->routes[1].login.len, 0);
    assert_int_equal(s->routes[2].tls, SMTP_TLS_AT_ONCE); /* by its port */
    assert_int_equal(s->routes[3].tls, SMTP_TLS_MUST);
    assert_true(s->routes[3].verify && !s->routes[0].verify);
    assert_int_equal(s->address_count, 2);
    assert_int_equal(s->addresses[0].len, 4);
    assert_int_equal(s->addresses[1].len, 16);
    assert_ptr_equal(settings_route_of(s, &s->fixed[2]), &s->routes[2]);
    assert_null(settings_route_of(s, NULL));
    settings_put(s);
}

static void
a_change_is_noticed(void **state)
{
    struct settings *a = make("pencil"), *b = make("pencil"), *c = make("pencil2");

    (void)state;
    assert_true(settings_eq(a, b));
    assert_false(settings_eq(a, c));
    settings_put_address(b, SLICE("192.0.2.8"));
    assert_false(settings_eq(a, b));
    settings_put(a);
    settings_put(b);
    settings_put(c);
}

static void
they_live_as_long_as_somebody_uses_them(void **state)
{
    struct settings *s = make("pencil");

    (void)state;
    assert_ptr_equal(settings_get(s), s);
    settings_put(s);
    assert_int_equal(s->route_count, 4);
    settings_put(s);
    settings_put(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_kept),
        cmocka_unit_test(a_change_is_noticed),
        cmocka_unit_test(they_live_as_long_as_somebody_uses_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
