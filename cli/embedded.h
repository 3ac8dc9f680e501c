/*
 * Files of cli/embedded that the build puts into the binary, each as a text that ends with NUL; the
 * Makefile makes the arrays.
 * Uses: nothing.
 */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

extern const unsigned char embedded_sealpoint_1_in[];

#endif
