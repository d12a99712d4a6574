/* Names as text. */
#include <arpa/inet.h>
#include <stdio.h>

#include "dns/dns.h"

static const struct {
    const char *name;
    enum dns_type type;
} types[] = {
#define TYPE(name, number, reader) {#name, DNS_##name},
#include "dns/type.def"
#undef TYPE
};

bool
dns_type_known(uint32_t type)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if ((uint32_t)types[i].type == type)
            return true;
    return false;
}

const char *
dns_type_name(enum dns_type type)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "unknown";
}

/* The slash is that of RFC 2317's networks, the underscore that of services. */
static bool
is_name_character(uint8_t c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_' || c == '/' || c == '*';
}

static bool
label_good(struct slice label)
{
    if (label.len == 0 || label.len > DNS_LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_name_character(label.at[i]))
            return false;
    return true;
}

bool
dns_name_clean(struct slice name, char room[DNS_NAME_ROOM])
{
    struct slice rest, label;

    if (slice_eq(name, SLICE("."))) {
        snprintf(room, DNS_NAME_ROOM, ".");
        return true;
    }
    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (name.len > DNS_NAME_MAX || !slice_to_string(name, room, DNS_NAME_ROOM))
        return false;
    rest = name;
    for (bool more = true; more;) {
        more = slice_cut(&rest, '.', &label);
        if (!label_good(label))
            return false;
    }
    for (char *c = room; *c; c++)
        *c = (char)ascii_lower((uint8_t)*c);
    return true;
}

bool
dns_name_is_host(struct slice name)
{
    struct slice rest = name, label;
    bool digits = true;

    if (name.len == 0 || name.len > DNS_NAME_MAX)
        return false;
    for (bool more = true; more;) {
        more = slice_cut(&rest, '.', &label);
        if (!label_good(label) || label.at[0] == '-' || label.at[label.len - 1] == '-')
            return false;
        digits = true;
        for (size_t i = 0; i < label.len; i++) {
            digits = digits && ascii_is_digit(label.at[i]);
            if (label.at[i] == '/' || label.at[i] == '*')
                return false;
        }
    }
    return !digits; /* else it is an IPv4 address */
}

static bool
reverse_ipv4(const uint8_t *a, char room[DNS_NAME_ROOM])
{
    snprintf(room, DNS_NAME_ROOM, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1], a[0]);
    return true;
}

static bool
reverse_ipv6(const uint8_t *a, char room[DNS_NAME_ROOM])
{
    static const char digits[] = "0123456789abcdef";
    char *at = room;

    for (int i = 15; i >= 0; i--) {
        *at++ = digits[a[i] & 15];
        *at++ = '.';
        *at++ = digits[a[i] >> 4];
        *at++ = '.';
    }
    snprintf(at, DNS_NAME_ROOM - (size_t)(at - room), "ip6.arpa");
    return true;
}

bool
dns_name_of_address(struct slice address, char room[DNS_NAME_ROOM])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    uint8_t bits[16];

    if (!slice_to_string(address, text, sizeof(text)))
        return false;
    if (inet_pton(AF_INET, text, bits) == 1)
        return reverse_ipv4(bits, room);
    if (inet_pton(AF_INET6, text, bits) != 1)
        return false;
    if (memcmp(bits, mapped, sizeof(mapped)) == 0)
        return reverse_ipv4(bits + sizeof(mapped), room);
    return reverse_ipv6(bits, room);
}
