// The narrow page on which people sign in and register.
import './styles';
import { Stack, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import icon from '../../icon.svg';
import classes from './entrance.module.css';

export function Entrance({
  title,
  children,
  foot,
}: {
  title: string;
  children: ReactNode;
  foot: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Millrace`;
  }, [title]);
  return (
    <main className={classes.page}>
      <Stack gap="lg" className={classes.box}>
        <Link to="/" aria-label="Millrace">
          <img src={icon} alt="" width={32} height={32} />
        </Link>
        <Title order={1}>{title}</Title>
        {children}
        <div className="quiet">{foot}</div>
      </Stack>
    </main>
  );
}
