package io.gyre.nio;

import io.gyre.testing.TelemetryContract;

/** A loop on NIO tells the same about itself. */
class NioTelemetryTest extends TelemetryContract {}
