/* The TXT record that says there is a policy, and which (RFC 8461 3.1):
 *   record = "v=STSv1" 1*(delim field) [delim]    delim = *WSP ";" *WSP
 *   field = "id=" 1*32(ALPHA / DIGIT) / name "=" 1*(printable but "=" and ";")    */
#include "sts/private.h"
#include "sts/sts.h"

enum { FIELD_NAME_MAX = 32 };

static bool
is_id(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alnum(s.at[i]))
            return false;
    return s.len >= 1 && s.len <= STS_ID_MAX;
}

bool
sts_is_field_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alnum(s.at[i]) && (i == 0 || !strchr("_-.", s.at[i])))
            return false;
    return s.len >= 1 && s.len <= FIELD_NAME_MAX;
}

static bool
is_value(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '=')
            return false;
    return s.len >= 1;
}

/* Other fields than the id are for others (rfc8461#3.1-d); they must look like fields all the same.
 * Of two ids the first counts. */
static bool
read_field(struct slice field, char id[STS_ID_MAX + 1])
{
    struct slice name, value = field;

    slice_cut(&value, '=', &name);
    if (!slice_eq(name, SLICE("id")))
        return sts_is_field_name(name) && is_value(value);
    return is_id(value) && (id[0] || slice_to_string(value, id, STS_ID_MAX + 1));
}

static bool
read_fields(struct slice rest, char id[STS_ID_MAX + 1])
{
    struct slice field;

    for (bool more = true; more;) {
        more = slice_cut(&rest, ';', &field);
        field = slice_trim(field);
        if (field.len == 0 && !more)
            break;
        if (!read_field(field, id))
            return false;
    }
    return true;
}

/* rfc8461#3.1-b: what does not begin like one is none; of those that do there must be one. */
bool
sts_record_id(const struct dns_answer *txt, char id[STS_ID_MAX + 1])
{
    struct slice only = {NULL, 0};

    id[0] = '\0';
    if (txt->verdict != DNS_FOUND)
        return false;
    for (size_t i = 0; i < txt->count; i++) {
        struct slice rest = txt->records[i].data;

        if (!slice_take_prefix(&rest, SLICE("v=STSv1;")))
            continue;
        if (only.at)
            return false;
        only = rest;
    }
    if (!only.at || !read_fields(only, id))
        id[0] = '\0';
    return id[0] != '\0';
}
