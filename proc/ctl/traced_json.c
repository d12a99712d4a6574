/* For scripts: the fields of the event, those that are numbers for machines as people know them. */
#include "traced.h"

#include "base/clock.h"
#include "out.h"

static const char *const kinds[TRACE_KINDS] = {
#define KIND(name) [TRACE_##name] = #name,
#include "ipc/trace_kind.def"
#undef KIND
};

static const char *
kind_name(uint32_t kind)
{
    return kind < TRACE_KINDS ? kinds[kind] : "unknown";
}

static json_t *
json_u64(uint64_t n)
{
    return out_number(n);
}

static json_t *
json_u32(uint32_t n)
{
    return out_number(n);
}

static json_t *
json_slice(struct slice s)
{
    return out_string(s);
}

static json_t *
json_id(uint64_t id)
{
    char text[ID_TEXT_LEN + 1];

    id_format(id, text);
    return id ? json_string(text) : json_null();
}

static json_t *
json_reference(uint64_t session)
{
    char text[ID_REFERENCE_LEN + 1];

    id_reference(session, text);
    return session ? json_string(text) : json_null();
}

void
traced_print_json(const struct traced *t, const struct trace_event *e)
{
    json_t *object = json_object();

#define MSG(name)
#define FIELD(type, name) json_object_set_new(object, #name, json_##type(e->name));
#define END(name)
#include "ipc/trace_event.msg"
#undef MSG
#undef FIELD
#undef END
    json_object_set_new(object, "time", out_number(e->time / 1000000));
    json_object_set_new(object, "microseconds", out_number(e->time % 1000000));
    json_object_set_new(object, "kind", json_string(kind_name(e->kind)));
    json_object_set_new(object, "protocol",
                        e->client.len ? json_string(traced_protocol(e)) : json_null());
    json_object_set_new(object, "session", json_id(e->session));
    json_object_set_new(object, "reference", json_reference(e->session));
    json_object_set_new(object, "message", json_id(e->message));
    json_object_set_new(object, "summary", out_string(traced_summary(t, e)));
    out_json(object);
}
