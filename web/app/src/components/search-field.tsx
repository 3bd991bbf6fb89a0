// The field for the parameter `search` of the address.
//
// What is typed is told to the address a moment later, and comes back later still: navigating is a transition. Meanwhile somebody
// types on, so what comes back is not taken over; what comes from elsewhere, as from the button Back, is.
import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Search } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useListSearch } from '../lib/search';

const quietMs = 200;

export function SearchField({ label }: { label: string }) {
  const { search, set } = useListSearch();
  const there = search.search ?? '';
  const [text, setText] = useState(there);
  /** What was told and did not come back yet; some of it never does. */
  const told = useRef<string[]>([]);
  const tell = useDebouncedCallback((value: string) => {
    told.current.push(value);
    set({ search: value || undefined }, { replace: true });
  }, quietMs);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another address is what it is about
  useEffect(() => {
    const place = told.current.lastIndexOf(there);
    if (place >= 0) {
      told.current.splice(0, place + 1);
      return;
    }
    told.current = [];
    tell.cancel();
    setText(there);
  }, [there]);
  return (
    <TextInput
      data-search
      // It is in the address, which servers take up to a length.
      maxLength={200}
      size="xs"
      aria-label={label}
      placeholder={label}
      leftSection={<Search size={14} aria-hidden />}
      value={text}
      onChange={({ currentTarget }) => {
        setText(currentTarget.value);
        tell(currentTarget.value);
      }}
    />
  );
}
