/** What the command answers to the shell. */

/** Exit codes: all went well, something failed, or it was called in a way that makes no sense. */
export const EXIT = { fine: 0, failed: 1, usage: 2 } as const
