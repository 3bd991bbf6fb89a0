// Where GraphiQL keeps tabs and history: localStorage, but without the passwords and refresh tokens
// that somebody typed into an operation or its variables. They stay in the open editor only.

// In text as it is, and in text that was quoted once more to be stored as JSON.
const secrets = [
  /((?:password|refreshToken)"?\s*:\s*")(?:[^"\\]|\\.)*/gi,
  /((?:password|refreshToken)(?:\\")?\s*:\s*\\")(?:[^"\\]|\\\\(?:\\\\|\\"|[^\\]))*/gi,
];

/** The page may keep nothing; then GraphiQL begins anew each time. */
function kept<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

export const storage = {
  getItem: (key: string) => kept(() => localStorage.getItem(key), null),
  setItem: (key: string, value: string) =>
    localStorage.setItem(
      key,
      secrets.reduce((text, secret) => text.replace(secret, '$1'), value),
    ),
  removeItem: (key: string) => kept(() => localStorage.removeItem(key), undefined),
  clear: () => kept(() => localStorage.clear(), undefined),
  get length() {
    return kept(() => localStorage.length, 0);
  },
};
