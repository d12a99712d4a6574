/* A process that makes a system call outside its promises dies; the same call with the word lives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/slice.h"
#include "role/jail.h"

static char folder[] = "/tmp/valija-jail-XXXXXX";

static void
use_stream(void)
{
    int on = 1;

    setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void
use_accept(void)
{
    accept4(0, NULL, NULL, 0);
}

static void
use_connect(void)
{
    if (socket(AF_INET, SOCK_DGRAM, 0) < 0)
        _exit(2);
}

static void
use_recvfd(void)
{
    char c;

    if (pread(0, &c, 1, 0) > 1)
        _exit(2);
}

static void
use_read(void)
{
    syscall(SYS_newfstatat, AT_FDCWD, ".", NULL, 0);
}

static void
use_write(void)
{
    fdatasync(0);
}

static void
use_thread(void)
{
    prctl(PR_SET_NAME, "thread", 0, 0, 0);
}

static void
use_spawn(void)
{
    execl("/nonexistent", "x", (char *)NULL);
}

static void
use_bind(void)
{
    if (socket(AF_UNIX, SOCK_STREAM, 0) < 0)
        _exit(2);
}

static void
trace_me(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* How a child ends that entered the jail and then used what a word allows. */
static int
status_of(const char *promises, void (*use)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        const char *weak;
        struct jail j = {.promises = promises, .root = folder};

        if (err_is(jail_enter(&j, &weak)) || weak)
            _exit(3);
        use();
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
a_process_dies_without_its_word_and_lives_with_it(void **state)
{
    static const struct {
        const char *word, *others;
        void (*use)(void);
    } rows[] = {
        {"stream", "accept recvfd read write thread", use_stream},
        {"accept", "stream recvfd read write thread", use_accept},
        {"connect", "stream accept recvfd read write thread", use_connect},
        {"recvfd", "accept write thread", use_recvfd},
        {"read", "stream accept recvfd write thread", use_read},
        {"write", "stream accept recvfd read thread", use_write},
        {"thread", "stream accept recvfd read write", use_thread},
        {"spawn", "stream accept recvfd read write thread", use_spawn},
        {"spawn bind", "stream accept recvfd read write thread", use_bind},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int without = status_of(rows[i].others, rows[i].use);

        print_message("%s\n", rows[i].word);
        assert_true(WIFSIGNALED(without) && WTERMSIG(without) == SIGSYS);
        assert_int_equal(status_of(rows[i].word, rows[i].use), 0);
    }
}

static void
open_outside(void)
{
    if (open("/etc/passwd", O_RDONLY) >= 0)
        _exit(4);
    if (open("inside", O_RDWR | O_CREAT, 0600) < 0)
        _exit(5);
}

static void
write_while_reading(void)
{
    open("inside", O_RDWR | O_CREAT, 0600);
}

static void
make_executable(void)
{
    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
paths_outside_the_root_folder_are_closed(void **state)
{
    (void)state;
    assert_int_equal(status_of("read write", open_outside), 0);
}

static void
reading_opens_nothing_for_writing(void **state)
{
    int status = status_of("read", write_while_reading);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void
use_local_socket(void)
{
    socket(AF_UNIX, SOCK_STREAM, 0);
}

static void
connecting_reaches_no_local_socket(void **state)
{
    int status = status_of("connect", use_local_socket);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void
memory_never_becomes_executable(void **state)
{
    int status = status_of("stream accept recvfd read write thread", make_executable);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void
the_parent_may_not_trace(void **state)
{
    (void)state;
    assert_int_equal(status_of("spawn bind", use_spawn), 0);
    assert_true(WIFSIGNALED(status_of("spawn bind", trace_me)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_dies_without_its_word_and_lives_with_it),
        cmocka_unit_test(paths_outside_the_root_folder_are_closed),
        cmocka_unit_test(reading_opens_nothing_for_writing),
        cmocka_unit_test(connecting_reaches_no_local_socket),
        cmocka_unit_test(memory_never_becomes_executable),
        cmocka_unit_test(the_parent_may_not_trace),
    };
    char command[64];
    int failed;

    if (!mkdtemp(folder))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command) == 0 ? failed : 1;
}
