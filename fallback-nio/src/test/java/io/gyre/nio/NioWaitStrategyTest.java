package io.gyre.nio;

import io.gyre.testing.WaitStrategyContract;

/** Waiting keeps its contract on NIO. */
class NioWaitStrategyTest extends WaitStrategyContract {}
