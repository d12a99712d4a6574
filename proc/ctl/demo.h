/* The demo: a folder with everything a first try needs, and the service in it. demo.c runs it,
 * demo_files.c writes what is in the folder, certificate.c makes its certificate. */
#ifndef CTL_DEMO_H
#define CTL_DEMO_H

#include "ctl.h"

#define DEMO_CONF        "valija.conf"
#define DEMO_JSON        "demo.json"
#define DEMO_CERTIFICATE "certificate.pem"
#define DEMO_KEY         "key.pem"
#define DEMO_DOMAIN      "demo.example"

enum {
    DEMO_ACCOUNTS = 2,
    DEMO_PASSWORD_MAX = 64,
    DEMO_PATH_MAX = CONF_PATH_MAX + 32,
    DEMO_PORT_BASE = 2000,
    DEMO_PORT_BASE_MAX = 65535 - 995,
};

struct demo_account {
    const char *address;
    char password[DEMO_PASSWORD_MAX];
};

struct demo {
    char folder[CONF_PATH_MAX]; /* absolute */
    unsigned port_base;
    struct demo_account accounts[DEMO_ACCOUNTS];
};

struct demo_port {
    const char *protocol; /* as valija.conf names it */
    unsigned port;        /* above the base */
};

extern const struct demo_port demo_ports[];

/* Does this version serve it? */
bool demo_port_served(const struct demo_port *port);

/* Where a demo lives when it is not told. False: there is no home. */
bool demo_usual_folder(char *path, size_t size);

/* Does the service of this configuration run? */
bool demo_runs(const char *conf_path);

/* A file of the demo's folder. */
void demo_path(const struct demo *d, const char *name, char path[DEMO_PATH_MAX]);

/* The passwords of an earlier start from demo.json, else new ones. */
void demo_find_passwords(struct demo *d);

/* Write the files anew. A certificate that is there is kept while it is good for a day more. */
struct err demo_write_conf(const struct demo *d);
struct err demo_write_json(const struct demo *d);
struct err demo_write_certificate(const struct demo *d);

/* Write a file of the folder as a whole: it is either the old or the new one. */
struct err demo_write_file(const struct demo *d, const char *name, mode_t mode, struct slice bytes);

/* The addresses, the passwords and what to try first. */
void demo_print(const struct demo *d, FILE *to);

#endif
