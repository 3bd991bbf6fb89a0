// Where GraphiQL keeps tabs and history: localStorage, but without the passwords and refresh tokens
// that somebody typed into an operation or its variables. They stay in the open editor only.

// In text as it is, and in text that was quoted once more to be stored as JSON.
const secrets = [
  /((?:password|refreshToken)"?\s*:\s*")(?:[^"\\]|\\.)*/gi,
  /((?:password|refreshToken)(?:\\")?\s*:\s*\\")(?:[^"\\]|\\\\(?:\\\\|\\"|[^\\]))*/gi,
];

export const storage = {
  getItem: (key: string) => localStorage.getItem(key),
  setItem: (key: string, value: string) =>
    localStorage.setItem(
      key,
      secrets.reduce((text, secret) => text.replace(secret, '$1'), value),
    ),
  removeItem: (key: string) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};
