//! Values that operators must keep right: order, loops, closures that change their answer, durations, odd keys.
