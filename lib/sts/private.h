/* Private to lib/sts. */
#ifndef STS_PRIVATE_H
#define STS_PRIVATE_H

#include "base/slice.h"

/* The name of a field, in a record and in a policy alike (RFC 8461 3.1, 3.2). */
bool sts_is_field_name(struct slice s);

#endif
