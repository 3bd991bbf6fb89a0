// Mantine in the sizes and colours of tokens.css.
import { createTheme, type MantineColorsTuple, rem } from '@mantine/core';

const scale = (name: string) =>
  Array.from(
    { length: 10 },
    (_, step) => `var(--${name}-${step})`,
  ) as unknown as MantineColorsTuple;

export const theme = createTheme({
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: 'var(--mono)',
  colors: { accent: scale('accent'), gray: scale('grey'), dark: scale('night') },
  primaryColor: 'accent',
  primaryShade: 7,
  defaultRadius: 6,
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: rem(12), sm: rem(13), md: rem(14), lg: rem(16), xl: rem(20) },
  spacing: { xs: rem(8), sm: rem(12), md: rem(16), lg: rem(24), xl: rem(32) },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: rem(20), lineHeight: '1.3' },
      h2: { fontSize: rem(16), lineHeight: '1.4' },
      h3: { fontSize: rem(14), lineHeight: '1.4' },
    },
  },
  components: {
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Button: { defaultProps: { size: 'sm' } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Modal: {
      defaultProps: {
        centered: true,
        transitionProps: { duration: 160 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    // A menu has items and nothing else.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
  },
});
