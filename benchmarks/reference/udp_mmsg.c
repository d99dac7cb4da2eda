/*
 * UDP echo over recvmmsg and sendmmsg: up to BATCH datagrams in a call, each sent back out of the
 * buffer that it came in. With --receive-only nothing is sent.
 */
#include "server.h"

#include <sys/epoll.h>

enum { BATCH = 64, BUFFER_BYTES = 2048, RECEIVE_ROOM = 4 << 20 };

static struct server server = {.type = SOCK_DGRAM};
static uint64_t calls;
static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in senders[BATCH];
static uint8_t buffers[BATCH][BUFFER_BYTES];

static void prepare(void)
{
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = BUFFER_BYTES};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &senders[i], .msg_namelen = sizeof senders[i],
      .msg_iov = &vectors[i], .msg_iovlen = 1};
  }
}

static void send_back(int count)
{
  for (int i = 0; i < count; i++)
    vectors[i].iov_len = messages[i].msg_len;
  for (int sent = 0; sent < count;) {
    calls++;
    const int result = sendmmsg(server.listener, messages + sent, (unsigned)(count - sent), 0);
    if (result > 0)
      sent += result;
    else if (errno != EAGAIN && errno != EINTR)
      sent++; /* that one is lost, as datagrams may be */
  }
  for (int i = 0; i < count; i++)
    vectors[i].iov_len = BUFFER_BYTES;
}

/* False when there is nothing any more. */
static bool serve_batch(void)
{
  calls++;
  const int count = recvmmsg(server.listener, messages, BATCH, MSG_DONTWAIT, NULL);
  if (count < 0)
    return errno == EINTR;
  server_first(&server, calls);
  for (int i = 0; i < count; i++)
    server.bytes += messages[i].msg_len;
  server.requests += (uint64_t)count;
  if (!server.receive_only)
    send_back(count);
  for (int i = 0; i < count; i++)
    messages[i].msg_hdr.msg_namelen = sizeof senders[i];
  return count == BATCH;
}

static void watch(int epoll_fd, int fd)
{
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 && fd != STDIN_FILENO)
    die("epoll_ctl: %s", strerror(errno));
}

static void answer_input(int epoll_fd)
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
  long buffer_size = BUFFER_BYTES;
  server_open(&server, argc, argv, &buffer_size);
  if (buffer_size != BUFFER_BYTES)
    die("--buffer: it is always %d", BUFFER_BYTES);
  const int room = RECEIVE_ROOM;
  setsockopt(server.listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  prepare();
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0)
    die("epoll_create1: %s", strerror(errno));
  watch(epoll_fd, server.listener);
  watch(epoll_fd, server.stop_fd);
  watch(epoll_fd, STDIN_FILENO);
  for (;;) {
    struct epoll_event events[4];
    calls++;
    const int count = epoll_wait(epoll_fd, events, 4, -1);
    if (count < 0 && errno != EINTR)
      die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == server.stop_fd) {
        server_print_totals(&server, calls);
        return 0;
      }
      if (events[i].data.fd == STDIN_FILENO)
        answer_input(epoll_fd);
      else
        for (int batches = 0; batches < BATCH && serve_batch(); batches++)
          ; /* then look at the rest, too */
    }
  }
}
