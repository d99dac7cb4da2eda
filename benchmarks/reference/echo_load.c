/* The load over epoll, for where io_uring cannot be had: see load.h. */
#include "load.h"

enum { EVENTS = 1024, CHUNK_BYTES = 64 * 1024 };

static int epoll_fd;
static uint8_t chunk[CHUNK_BYTES];

static void watch(struct connection *connection, int operation, uint32_t events)
{
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll_fd, operation, connection->fd, &event) != 0)
    die("epoll_ctl: %s", strerror(errno));
}

/* Sends what the socket takes, the rest when it is writable. False when the connection is lost. */
static bool send_more(struct connection *connection, bool was_waiting)
{
  const ssize_t sent = send(connection->fd, connection->request + connection->sent,
      bytes - connection->sent, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) {
    load_fail(connection, strerror(errno));
    return false;
  }
  connection->sent += sent > 0 ? (uint32_t)sent : 0;
  const bool waiting = connection->sent < bytes;
  if (__builtin_expect(waiting != was_waiting, 0))
    watch(connection, EPOLL_CTL_MOD, waiting ? EPOLLIN | EPOLLOUT : EPOLLIN);
  return true;
}

static void on_readable(struct connection *connection)
{
  const ssize_t length = recv(connection->fd, chunk, CHUNK_BYTES, 0);
  if (length <= 0) {
    if (length == 0 || errno != EAGAIN)
      load_fail(connection, length == 0 ? "closed by the server" : strerror(errno));
    return;
  }
  uint64_t time_ns;
  if (load_received(connection, chunk, (uint32_t)length, &time_ns)) {
    load_begin(connection, time_ns);
    send_more(connection, false);
  }
}

int main(int argc, char **argv)
{
  load_open(argc, argv);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0)
    die("epoll_create1: %s", strerror(errno));
  for (unsigned i = 0; i < connection_count; i++) {
    watch(&connections[i], EPOLL_CTL_ADD, EPOLLIN);
    load_begin(&connections[i], now_ns());
    send_more(&connections[i], false);
  }

  static struct epoll_event events[EVENTS];
  do {
    const int ready = epoll_wait(epoll_fd, events, EVENTS, STUCK_S * 1000);
    if (ready == 0) {
      load_stuck();
      break;
    }
    if (ready < 0 && errno != EINTR)
      die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      if ((events[i].events & EPOLLOUT) && !send_more(connection, true))
        continue;
      if (events[i].events & ~(uint32_t)EPOLLOUT)
        on_readable(connection);
    }
  } while (load_goes_on());
  return load_report();
}
