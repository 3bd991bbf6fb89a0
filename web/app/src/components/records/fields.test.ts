// What forms have of embedded objects, and what is sent of them.
import { expect, test } from 'vitest';
import { type Fields, inputOf, problemsOf, valuesOf } from './fields';

const fields: Fields = [
  { key: 'name', label: 'Name', kind: 'text', isRequired: true },
  { key: 'lines', label: 'Street', kind: 'lines', isRequired: true, within: 'address' },
  { key: 'city', label: 'City', kind: 'text', isRequired: true, within: 'address' },
  { key: 'region', label: 'Region', kind: 'text', within: 'address' },
];
const record = {
  name: 'Ada',
  address: { lines: ['Millrace Ltd', '1 Mill Lane'], city: 'Leeds', region: null },
};
const known = { name: 'Ada', lines: 'Millrace Ltd\n1 Mill Lane', city: 'Leeds', region: '' };

test('the values of an embedded object are read, from the record and from a form', () => {
  expect(valuesOf(fields, record)).toEqual(known);
  expect(valuesOf(fields, known)).toEqual(known);
  expect(valuesOf(fields, { name: 'Ada', address: null })).toEqual({
    name: 'Ada',
    lines: '',
    city: '',
    region: '',
  });
});

test('an embedded object is sent as a whole, when one of its values was changed', () => {
  expect(inputOf(fields, { ...known, name: 'Bea' }, known)).toEqual({ name: 'Bea' });
  expect(inputOf(fields, { ...known, city: 'York', lines: ' 1 Mill Lane\n\n' }, known)).toEqual({
    address: { lines: ['1 Mill Lane'], city: 'York', region: null },
  });
  const gone = { ...known, lines: '', city: ' ' };
  expect(inputOf(fields, gone, known)).toEqual({ address: null });
  expect(inputOf(fields, gone)).toEqual({ name: 'Ada', address: null });
});

test('what an embedded object needs is missing only when there is one', () => {
  expect(problemsOf(fields, { name: 'Ada' })).toEqual({});
  expect(problemsOf(fields, { name: 'Ada', region: 'Yorkshire' })).toEqual({
    lines: 'Enter the street',
    city: 'Enter the city',
  });
});
