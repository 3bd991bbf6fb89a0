// Something to know before going on, with what can be done about it.
import type { ReactNode } from 'react';
import classes from './notice.module.css';

export function Notice({
  tone,
  title,
  action,
  children,
}: {
  tone: 'warn' | 'bad' | 'good';
  title?: string;
  action?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className={classes.notice} data-tone={tone} role={tone === 'good' ? 'status' : 'alert'}>
      <div className={classes.text}>
        {title && <strong className={classes.title}>{title}</strong>}
        {children}
      </div>
      {action}
    </div>
  );
}
