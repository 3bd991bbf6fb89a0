// The question of these pages before what cannot be undone is that of all pages.
export { useConfirm } from '../../components/confirm';
