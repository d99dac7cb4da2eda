package io.gyre;

import io.gyre.testing.EventLoopContract;

/** The loop's contract, on the drivers of this module. */
class EventLoopTest extends EventLoopContract {}
