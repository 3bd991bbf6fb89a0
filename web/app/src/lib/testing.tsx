// Components in tests: shown, changed, and taken away.
import { act, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

export async function show(content: ReactNode) {
  const element = document.createElement('div');
  document.body.append(element);
  const root = createRoot(element);
  await act(async () => root.render(content));
  return {
    element,
    text: () => element.textContent ?? '',
    again: (changed: ReactNode) => act(async () => root.render(changed)),
    end: async () => {
      await act(async () => root.unmount());
      element.remove();
    },
  };
}
