/**
 * Exit codes of our scripts that no retry can mend, such as a refused token or a wrong checksum: 20 to 39
 * (`container/pod/exit_codes.py`). All others are tried again, evictions without counting.
 */
export const PERMANENT_EXIT_CODES: readonly number[] = Array.from({ length: 20 }, (_, index) => 20 + index);

/** The code of a pod whose inputs were not complete in time (`container/pod/exit_codes.py`): it is tried again without counting. */
export const WAITING_EXIT_CODE = 50;
