// The fields of a form, in two columns where there is room.
import { NativeSelect, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import type { Field, Fields } from './fields';

interface Form {
  getInputProps(key: string): object;
  key(key: string): string;
}

export function FieldInputs({ fields, form }: { fields: Fields; form: Form }) {
  return (
    <SimpleGrid cols={{ base: 1, '480px': 2 }} type="container" spacing="sm">
      {fields.map((field, place) => (
        <FieldInput key={field.key} field={field} form={form} isFirst={place === 0} />
      ))}
    </SimpleGrid>
  );
}

function FieldInput({ field, form, isFirst }: { field: Field; form: Form; isFirst: boolean }) {
  const { key, label, kind, options, isRequired, within } = field;
  const shared = {
    label,
    withAsterisk: isRequired === true && kind !== 'choice' && within === undefined,
    'data-autofocus': isFirst || undefined,
    ...form.getInputProps(key),
  };
  if (kind === 'choice')
    return (
      <NativeSelect
        {...shared}
        data={(options ?? []).map(({ value, label }) => ({ value, label }))}
      />
    );
  // What is typed is about somebody else, so the browser does not fill it in.
  if (kind === 'lines') return <Textarea {...shared} autosize maxRows={5} autoComplete="off" />;
  return (
    <TextInput
      {...shared}
      type={kind === 'number' ? 'text' : kind}
      inputMode={kind === 'number' ? 'numeric' : undefined}
      autoComplete="off"
    />
  );
}
