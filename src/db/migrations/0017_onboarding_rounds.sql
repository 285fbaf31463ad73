-- An offer that was declined and is asked for again by a person is another one, on another branch.
alter table onboarding add column round int not null default 1;
