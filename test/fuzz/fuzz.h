/*
 * fuzz.h
 *		What the fuzzing harnesses share.
 */
#ifndef CDP_FUZZ_H
#define CDP_FUZZ_H

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* Abort, which libFuzzer reports, unless the promise was kept. */
extern void fuzz_insist(bool condition, const char *promise);

#endif							/* CDP_FUZZ_H */
