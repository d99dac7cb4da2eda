package io.gyre.nio;

import io.gyre.testing.EventLoopContract;

/** The loop keeps its contract on NIO. */
class NioEventLoopTest extends EventLoopContract {}
