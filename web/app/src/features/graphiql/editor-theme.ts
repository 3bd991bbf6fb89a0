// The colours of the editors. They are drawn on a canvas of their own, so they are written here once more; those of words are
// darker than the editor's own where these are too faint to read.
import { useMonaco } from '@graphiql/react';
import { useEffect } from 'react';

export const editorTheme = { light: 'millrace-light', dark: 'millrace-dark' };

const clear = '#ffffff00';
const grounds = { light: '#ffffff', dark: '#1b2224' };
const accents = { light: '#005f6f', dark: '#7cc8d6' };
const tints = { light: '#d9f0f4', dark: '#123840' };
const words = {
  light: [
    { token: 'argument.identifier.gql', foreground: '#4a47b0' },
    { token: 'annotation', foreground: '#595959' },
    { token: 'number', foreground: '#06603f' },
    { token: 'type', foreground: '#006060' },
    { token: 'invalid', foreground: '#b00000' },
  ],
  dark: [
    { token: 'argument.identifier.gql', foreground: '#a9a4ff' },
    { token: 'annotation', foreground: '#e08585' },
  ],
};

/** Makes the themes known to the editor, once it is loaded. */
export function useEditorTheme(scheme: 'light' | 'dark'): void {
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    if (!monaco) return;
    for (const name of ['light', 'dark'] as const)
      monaco.editor.defineTheme(editorTheme[name], {
        base: name === 'light' ? 'vs' : 'vs-dark',
        inherit: true,
        rules: words[name],
        colors: {
          'editor.background': clear,
          'scrollbar.shadow': clear,
          'textLink.foreground': accents[name],
          'textLink.activeForeground': accents[name],
          'editorLink.activeForeground': accents[name],
          'editorHoverWidget.background': grounds[name],
          'editorSuggestWidget.background': grounds[name],
          'editorSuggestWidget.selectedBackground': tints[name],
          'editorWidget.background': grounds[name],
          'list.hoverBackground': tints[name],
          'list.highlightForeground': accents[name],
          'menu.background': grounds[name],
          'menu.selectionBackground': tints[name],
          'quickInput.background': grounds[name],
          'quickInputList.focusBackground': tints[name],
          focusBorder: accents[name],
        },
      });
    monaco.editor.setTheme(editorTheme[scheme]);
  }, [monaco, scheme]);
}
