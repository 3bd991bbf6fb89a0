// Whether this device shows new messages while the page is not looked at: asked for by a click, never by itself.
import { ActionIcon, Tooltip } from '@mantine/core';
import { Bell, BellOff } from 'lucide-react';
import { useState } from 'react';
import { say } from '../../lib/toasts';
import { canNotify, setNotify, wantsNotify } from './notify';

export function NotifyButton() {
  const [isOn, setOn] = useState(wantsNotify);
  if (!canNotify) return null;
  const label = isOn ? 'Stop notifying this device' : 'Notify this device of new messages';
  const toggle = async () => {
    if (!isOn && (await Notification.requestPermission()) !== 'granted')
      return say('The browser does not allow notifications of this page. Its settings can.');
    setNotify(!isOn);
    setOn(!isOn);
  };
  return (
    <Tooltip label={label}>
      <ActionIcon size={32} aria-label={label} aria-pressed={isOn} onClick={toggle}>
        {isOn ? <Bell size={18} /> : <BellOff size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}
