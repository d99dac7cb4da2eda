/*
 * TCP echo over level-triggered epoll: one read and one write for each readable socket. What the
 * socket does not take is kept, and nothing more is read from that connection until it is written.
 */
#include "server.h"

#include <sys/epoll.h>

enum { EVENTS = 1024, BACKOFF_MS = 10 };

/* What is left to write; most connections never have one. */
struct rest {
  uint32_t offset, length;
  uint8_t bytes[];
};

static struct server server;
static uint64_t calls; /* all system calls of the loop */
static int epoll_fd;
static bool accept_paused;
static struct rest **rests; /* by descriptor */
static long buffer_size = 64 * 1024; /* one for all: it is written before the next read */
static uint8_t *buffer;

static int control(int operation, int fd, uint32_t events)
{
  calls++;
  struct epoll_event event = {.events = events, .data.fd = fd};
  return epoll_ctl(epoll_fd, operation, fd, &event);
}

static void pause_accept(bool pause)
{
  accept_paused = pause;
  control(EPOLL_CTL_MOD, server.listener, pause ? 0 : EPOLLIN);
}

static void accept_all(void)
{
  for (;;) {
    calls++;
    const int fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      if (control(EPOLL_CTL_ADD, fd, EPOLLIN) != 0)
        die("epoll_ctl: %s", strerror(errno));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      pause_accept(true); /* else the listener stays readable, and the loop spins */
      return;
    } else if (errno == EAGAIN) {
      return;
    } /* any other error is that of one connection which is gone */
  }
}

static void close_connection(int fd)
{
  free(rests[fd]);
  rests[fd] = NULL;
  calls++;
  close(fd);
  if (accept_paused)
    pause_accept(false);
}

static void keep_rest(int fd, const uint8_t *bytes, size_t length)
{
  struct rest *rest = malloc(sizeof *rest + length);
  if (rest == NULL)
    die("out of memory");
  rest->offset = 0;
  rest->length = (uint32_t)length;
  memcpy(rest->bytes, bytes, length);
  rests[fd] = rest;
  control(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

static void echo(int fd)
{
  calls++;
  const ssize_t received = read(fd, buffer, (size_t)buffer_size);
  if (received <= 0) {
    if (received == 0 || errno != EAGAIN)
      close_connection(fd);
    return;
  }
  server_first(&server, calls);
  calls++;
  ssize_t sent = write(fd, buffer, (size_t)received);
  if (__builtin_expect(sent != received, 0)) {
    if (sent < 0 && errno != EAGAIN) {
      close_connection(fd);
      return;
    }
    sent = sent < 0 ? 0 : sent;
    keep_rest(fd, buffer + sent, (size_t)(received - sent));
  } else {
    server.requests++;
  }
  server.bytes += (uint64_t)sent;
}

static void write_rest(int fd)
{
  struct rest *rest = rests[fd];
  calls++;
  const ssize_t sent = write(fd, rest->bytes + rest->offset, rest->length - rest->offset);
  if (sent < 0) {
    if (errno != EAGAIN)
      close_connection(fd);
    return;
  }
  server.bytes += (uint64_t)sent;
  rest->offset += (uint32_t)sent;
  if (rest->offset == rest->length) {
    server.requests++;
    free(rest);
    rests[fd] = NULL;
    control(EPOLL_CTL_MOD, fd, EPOLLIN);
  }
}

static void answer_input(void)
{
  char text[256];
  const ssize_t length = read(STDIN_FILENO, text, sizeof text);
  if (length <= 0)
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
  for (ssize_t i = 0; i < length; i++)
    if (text[i] == '\n')
      server_print(&server, calls);
}

int main(int argc, char **argv)
{
  server_open(&server, argc, argv, &buffer_size);
  buffer = malloc((size_t)buffer_size);
  rests = calloc((size_t)sysconf(_SC_OPEN_MAX), sizeof *rests);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (buffer == NULL || rests == NULL || epoll_fd < 0)
    die("epoll_create1: %s", strerror(errno));
  if (control(EPOLL_CTL_ADD, server.listener, EPOLLIN) != 0
      || control(EPOLL_CTL_ADD, server.stop_fd, EPOLLIN) != 0)
    die("epoll_ctl: %s", strerror(errno));
  control(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN); /* refused for a file: then nobody will ask */

  static struct epoll_event events[EVENTS];
  for (;;) {
    calls++;
    const int count = epoll_wait(epoll_fd, events, EVENTS, accept_paused ? BACKOFF_MS : -1);
    if (count < 0 && errno != EINTR)
      die("epoll_wait: %s", strerror(errno));
    if (count == 0 && accept_paused)
      pause_accept(false);
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == server.listener) {
        accept_all();
      } else if (fd == STDIN_FILENO) {
        answer_input();
      } else if (fd == server.stop_fd) {
        server_print_totals(&server, calls);
        return 0;
      } else if (rests[fd] != NULL) {
        write_rest(fd);
      } else {
        echo(fd);
      }
    }
  }
}
