/* accounts: the directory of domains, accounts and aliases, and the only process that sees password
 * hashes. It parses nothing from the network. */
#include "accounts.h"

int
main(int argc, char **argv)
{
    return role_main(argc, argv, &accounts_spec);
}
