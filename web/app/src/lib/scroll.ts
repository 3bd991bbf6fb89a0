// Scrolling that shows the way, unless somebody does not want things to move: styles do not hold for what a script asks for.
export function toTop(element: Element | null): void {
  const isStill = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  element?.scrollTo({ top: 0, behavior: isStill ? 'instant' : 'smooth' });
}
