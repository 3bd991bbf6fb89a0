// How long texts may be, and how much is left once that is soon.
export const longestPost = 10_000;
export const longestComment = 2_000;
const soon = 200;

export function Left({ text, most }: { text: string; most: number }) {
  const left = most - [...text].length;
  if (left > soon) return null;
  return (
    <span
      role="status"
      className="numbers"
      style={{ fontSize: 12, color: left < 0 ? 'var(--bad)' : 'var(--text-quiet)' }}
    >
      {left < 0 ? `${-left} too many` : `${left} left`}
    </span>
  );
}
