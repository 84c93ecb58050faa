-- Works from: 4
-- During which life of the machine's kernel a process was announced: what it committed last may be lost if that is over.
alter table processes add column boot_id text;
