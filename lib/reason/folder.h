/* A folder of catalogue files, for this room and its build tool. */
#ifndef REASON_FOLDER_H
#define REASON_FOLDER_H

#include "reason/catalogue.h"

/* What a file has is lent for the call. False: it has a mistake, which was told. */
typedef bool folder_file_fn(void *ctx, const char *path, struct slice text);

/* Every *.txt of the folder, in the order of their names. False where one was, or where something
 * could not be read, which is told as a mistake. */
bool folder_walk(const char *folder, folder_file_fn *take, void *take_ctx,
                 catalogue_mistake_fn *tell, void *tell_ctx);

#endif
