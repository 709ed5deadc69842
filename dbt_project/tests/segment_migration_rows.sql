-- What leaves a segment or stays in it adds up to its size the month before, for every kind of segment and month.
{{ segment_balance('from_segment', 'addMonths(period, 1)') }}
