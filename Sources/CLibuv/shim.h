// What Swift cannot import: casts between libuv's handle types, socket options set before a bind, an ioctl, prctl, and
// glibc's mallopt and adjtimex.
#ifndef TRIBE_CLIBUV_SHIM_H
#define TRIBE_CLIBUV_SHIM_H

#include <errno.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <uv.h>

static inline uv_stream_t *tribe_stream_of_tcp(uv_tcp_t *tcp) { return (uv_stream_t *)tcp; }
static inline uv_handle_t *tribe_handle_of_tcp(uv_tcp_t *tcp) { return (uv_handle_t *)tcp; }
static inline uv_stream_t *tribe_stream_of_pipe(uv_pipe_t *pipe) { return (uv_stream_t *)pipe; }
static inline uv_handle_t *tribe_handle_of_pipe(uv_pipe_t *pipe) { return (uv_handle_t *)pipe; }
static inline uv_handle_t *tribe_handle_of_process(uv_process_t *process) { return (uv_handle_t *)process; }
static inline uv_handle_t *tribe_handle_of_timer(uv_timer_t *timer) { return (uv_handle_t *)timer; }
static inline uv_handle_t *tribe_handle_of_signal(uv_signal_t *signal) { return (uv_handle_t *)signal; }
static inline uv_handle_t *tribe_handle_of_fs_poll(uv_fs_poll_t *poll) { return (uv_handle_t *)poll; }
static inline uv_handle_t *tribe_handle_of_async(uv_async_t *async) { return (uv_handle_t *)async; }
static inline uv_handle_t *tribe_handle_of_prepare(uv_prepare_t *prepare) { return (uv_handle_t *)prepare; }
static inline uv_handle_t *tribe_handle_of_check(uv_check_t *check) { return (uv_handle_t *)check; }
static inline uv_handle_t *tribe_handle_of_idle(uv_idle_t *idle) { return (uv_handle_t *)idle; }

// The allocator gives blocks of this size and more back to the system when they are freed.
static inline void tribe_return_blocks_from(int bytes) { mallopt(M_MMAP_THRESHOLD, bytes); }

// Whether something keeps the clock right: 1 yes, 0 no, below zero: the kernel does not say.
static inline int tribe_clock_state(void) {
    struct timex clock = {0};
    if (adjtimex(&clock) < 0) return -1;
    return (clock.status & STA_UNSYNC) == 0;
}

// The kernel sends SIGTERM to this process when the thread that made it has ended.
static inline int tribe_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGTERM); }

// Lets several sockets listen on one port, the kernel spreading connections over them. libuv 1.44 does not set it.
static inline int tribe_set_reuse_port(const uv_tcp_t *tcp) {
    uv_os_fd_t fd;
    int on = 1;
    int status = uv_fileno((const uv_handle_t *)tcp, &fd);
    if (status != 0) return status;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return uv_translate_sys_error(errno);
    return 0;
}

// Bytes that were given to the kernel for this socket and that the peer has not acknowledged; 0 if it cannot be told.
static inline int tribe_unacknowledged(const uv_tcp_t *tcp) {
    uv_os_fd_t fd;
    int count = 0;
    if (uv_fileno((const uv_handle_t *)tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &count) != 0) return 0;
    return count;
}

#endif
