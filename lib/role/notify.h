/* Telling who started us that the service is ready: the protocol of sd_notify(3). */
#ifndef ROLE_NOTIFY_H
#define ROLE_NOTIFY_H

/* text: "READY=1\n" and the like. Does nothing where $NOTIFY_SOCKET names no socket; what cannot be
 * sent is logged. */
void role_notify(const char *text);

#endif
