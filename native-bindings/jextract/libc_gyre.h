/*
 * What Libc.java is generated from; libc.includes says which of its names are taken.
 *
 * Only what is the same on x86_64 and aarch64 may be listed there. O_DIRECT, O_DIRECTORY, O_NOFOLLOW,
 * O_LARGEFILE, struct stat and struct epoll_event are not: see Platform.java.
 */
#define _GNU_SOURCE
#include <features.h>

/*
 * With GNU extensions glibc declares the address of bind, connect... as a transparent union of all sockaddr
 * types, which jextract cannot pass. Without them it is the struct sockaddr * that POSIX says; accept4 is then
 * missing and declared here.
 */
#pragma push_macro("__USE_GNU")
#undef __USE_GNU
#include <sys/socket.h>
#pragma pop_macro("__USE_GNU")
extern int accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags);

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
