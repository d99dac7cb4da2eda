package io.gyre.benchmarks.http;

import io.gyre.driver.FileStatus;
import io.gyre.fs.AsyncDirectory;
import io.gyre.fs.AsyncFile;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;

/** Decides what a request is answered with, and has that sent. One for each connection. */
final class Exchange implements Lookup.Result {
  private final HttpConnection connection;
  private final ServeOptions options;
  private final Lookup lookup;
  private final ResponseSender sender;
  private final Response response = new Response();
  private final ByteRange range = new ByteRange();

  private Request request;
  private RequestPath path;

  Exchange(
      HttpConnection connection, ResponseSender sender, AsyncDirectory root, ServeOptions options) {
    this.connection = connection;
    this.options = options;
    this.sender = sender;
    this.lookup = new Lookup(root, options, this);
  }

  Response response() {
    return response;
  }

  void answer(Request asked) {
    request = asked;
    switch (asked.method) {
      case GET, HEAD -> find();
      case OTHER -> refuse(Status.METHOD_NOT_ALLOWED);
      case UNKNOWN -> refuse(Status.NOT_IMPLEMENTED);
    }
  }

  private void find() {
    try {
      path = RequestPath.of(request);
    } catch (RequestPath.Refused e) {
      refuse(e.status);
      return;
    }
    if (path.isHidden() && !options.hiddenFiles()) {
      refuse(Status.NOT_FOUND);
    } else {
      lookup.begin(path);
    }
  }

  /** Answers with a status that says it all; of a request that may not have come in whole. */
  void refuse(Request asked, Status status) {
    request = asked;
    refuse(status);
  }

  private void refuse(Status status) {
    begin(status);
    sendText();
  }

  private void begin(Status status) {
    response.begin(status);
    response.keepsAlive = connection.keepsAlive();
    response.saysKeepAlive = request.isHttp10;
  }

  private boolean wantsContent() {
    return request.method != Request.Method.HEAD;
  }

  private void sendText() {
    response.type = MediaTypes.PLAIN;
    sendMemory(response.status.text);
  }

  private void sendMemory(byte[] content) {
    response.contentLength = content.length;
    sender.send(response, wantsContent() ? content : null);
  }

  // ---- what the lookup found

  @Override
  public boolean isWanted() {
    return !connection.isClosed();
  }

  @Override
  public void found(AsyncFile file, FileStatus status, Path name) {
    if (connection.isClosed()) {
      file.close(null, Lookup.CLOSED);
      return;
    }
    var version = Version.of(status, System.currentTimeMillis());
    var outcome = Conditions.evaluate(request, version);
    if (outcome != Status.OK) {
      file.close(null, Lookup.CLOSED);
      begin(outcome);
      response.version = version;
      if (outcome == Status.NOT_MODIFIED) {
        sender.send(response, null);
      } else {
        sendText();
      }
      return;
    }
    sendFile(file, status.size(), version, name);
  }

  private void sendFile(AsyncFile file, long size, Version version, Path name) {
    chooseRange(size, version);
    if (range.kind == ByteRange.Kind.UNSATISFIABLE) {
      file.close(null, Lookup.CLOSED);
      begin(Status.RANGE_NOT_SATISFIABLE);
      response.size = size;
      sendText();
      return;
    }
    begin(range.kind == ByteRange.Kind.PART ? Status.PARTIAL_CONTENT : Status.OK);
    response.type = MediaTypes.of(name);
    response.contentLength = range.length;
    response.version = version;
    response.rangeFirst = range.first;
    response.size = size;
    sender.send(response, file, range.first, wantsContent() ? range.length : 0);
  }

  private void chooseRange(long size, Version version) {
    if (request.method == Request.Method.GET
        && request.has(Field.RANGE)
        && Conditions.allowRange(request, version)) {
      range.parse(request.bytes(), request.position(Field.RANGE), request.limit(Field.RANGE), size);
    } else {
      range.whole(size);
    }
  }

  @Override
  public boolean mayList() {
    return !connection.isClosed() && connection.beginListing();
  }

  @Override
  public void found(Listing listing) {
    if (connection.isClosed()) {
      return;
    }
    var title = path.display();
    boolean isRoot = path.names().isEmpty();
    if (listing.isSmall()) {
      sendListing(listing.page(title, isRoot));
      return;
    }
    try {
      var _ =
          connection
              .blocking(() -> listing.page(title, isRoot))
              .whenComplete(
                  (page, failure) -> {
                    if (page != null) {
                      sendListing(page);
                    } else if (!(failure instanceof CancellationException)) { // the runtime's end
                      failed(Status.INTERNAL_SERVER_ERROR, failure);
                    }
                  });
    } catch (RejectedExecutionException e) {
      failed(Status.SERVICE_UNAVAILABLE, e);
    }
  }

  private void sendListing(byte[] page) {
    if (!connection.isClosed()) {
      begin(Status.OK);
      response.type = MediaTypes.HTML;
      sendMemory(page);
    }
  }

  @Override
  public void isDirectory() {
    if (!connection.isClosed()) {
      begin(Status.MOVED_PERMANENTLY);
      response.location = path.asDirectory();
      sendText();
    }
  }

  @Override
  public void failed(Status status, Throwable cause) {
    if (connection.isClosed()) {
      return;
    }
    if (cause != null) {
      connection.report(cause);
    }
    refuse(status);
  }
}
