-- What arrives in a segment or stays in it adds up to its size now, for every kind of segment and month.
{{ segment_balance('to_segment', 'period') }}
