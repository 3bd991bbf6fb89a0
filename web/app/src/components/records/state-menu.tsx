// The state of a record as a button that gives it another one.
import { Menu } from '@mantine/core';
import { Check, ChevronDown } from 'lucide-react';
import { State } from '../state';
import type { Option } from './fields';
import classes from './state-menu.module.css';

export function StateMenu({
  options,
  value,
  choose,
  label = 'Change the status',
}: {
  options: readonly Option[];
  value: string;
  /** Without it the state is only shown. */
  choose?: ((value: string) => void) | undefined;
  label?: string;
}) {
  const now = options.find((option) => option.value === value);
  const state = <State tone={now?.tone ?? 'quiet'}>{now?.label ?? value}</State>;
  if (!choose) return state;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <button type="button" className={classes.button} title={label}>
          {state}
          <ChevronDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {options.map((option) => (
          <Menu.Item
            key={option.value}
            onClick={() => option.value !== value && choose(option.value)}
            rightSection={option.value === value && <Check size={14} aria-label="now" />}
          >
            <State tone={option.tone}>{option.label}</State>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
