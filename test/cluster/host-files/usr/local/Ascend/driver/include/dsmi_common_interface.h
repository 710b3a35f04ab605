/* stand-in, not a header */
