// A text as it was written, with its addresses as links. Nothing else of it is markup.
const address = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

export function RichText({ text }: { text: string }) {
  const parts: React.ReactNode[] = [];
  let end = 0;
  for (const { 0: href, index } of text.matchAll(address)) {
    parts.push(
      text.slice(end, index),
      <a key={index} href={href} target="_blank" rel="noreferrer noopener">
        {href}
      </a>,
    );
    end = index + href.length;
  }
  return (
    <span dir="auto" style={{ whiteSpace: 'pre-wrap' }}>
      {parts}
      {text.slice(end)}
    </span>
  );
}
