-- Each process counts requests per minute in its own memory.
drop table rate_windows;
