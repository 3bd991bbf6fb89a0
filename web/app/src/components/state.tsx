// A state in a word, with a dot whose colour says how it stands.
import classes from './state.module.css';

export type Tone = 'quiet' | 'good' | 'warn' | 'bad' | 'accent';

export function State({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={classes.state}>
      <span className={classes.dot} data-tone={tone} aria-hidden />
      {children}
    </span>
  );
}
