//! What operators of Spark, Flink, iterators, `tokio`, timely and SQL are called here.
//!
//! A newcomer writes `.print()` or `.reduceByKey(..)`. Each such name is a hidden method of every stream that asks for a
//! property which no stream has, so the compiler answers with the words of that property. The methods take `&self`: an
//! operator of that name that takes `self`, of this crate or of the user's own, is found first.

use crate::{
    foreign_names::foreign_names,
    operators::{kernel::state_table::KeyState, sink::SinkPort},
    stream::{Stream, chain::Rooted, kind::StreamKind},
};

impl<T, P: StreamKind, C: Rooted> StreamNames for Stream<'_, T, P, C> {}
impl<T> SinkNames for SinkPort<'_, T> {}
impl<S> StateNames for KeyState<S> {}

foreign_names! {
    /// What sinks are asked for elsewhere.
    trait SinkNames, mod asked_of_sinks, "a sink has no methods: a stream is sent to it";

    send | try_send | blocking_send | send_all | write | write_all | push | emit | feed | add | put | publish | insert | start_send(A)
        => "a sink takes a stream, whole: write `stream.to(out)`";
    map | filter | flat_map | filter_map | inspect(F)
        => "nothing is read from a sink: give the stream a name, `let stream = ..;`, send it on by `stream.to(out)` and read `stream`";
    to | union | join(A) => "nothing is read from a sink: give the stream a name, `let stream = ..;`, send it on by `stream.to(out)` and read `stream`";
    flush | close | clone() => "a sink takes a stream, whole: write `stream.to(out)` and nothing else";
}

foreign_names! {
    /// What state is asked for elsewhere.
    trait StateNames, mod asked_of_state, "the state of a key has no method of this name";

    or_insert | get_or_default | insert_if_absent(S) => "a state is given by `.update(state)`";
    get_mut | as_mut | value_mut | entry | or_default() => "a state is read by `.get()` and given by `.update(state)`";
    set | put | insert | write | replace(S) => "a state is given by `.update(state)`";
    get_or_insert_with | and_modify | modify | update_with(F) => "take what is there with `.get()`, and give what is to be there by `.update(state)`";
    unwrap_or | get_or | get_or_insert(S) => "what is there is an `Option` of a reference: `.get().copied().unwrap_or(..)`, or `.get().cloned()`";
    unwrap_or_default | get_option | value() => "what is there is an `Option` of a reference: `.get().copied().unwrap_or_default()`, or `.get().cloned()`";
    is_some | isDefined | is_empty | is_none() => "whether there is a state says `.exists()`";
    clear | delete | reset() => "a state is forgotten by `.remove()`";
}

foreign_names! {
    /// What operators are called elsewhere.
    trait StreamNames, mod asked_of_streams, "streams have no operator of this name";

    // The ends of a pipeline.
    print() => "`print` is a sink here: write `.to(out)`, and start the pipeline with `out: console()`";
    pprint() => "`pprint` is a sink here: write `.to(out)`, and start the pipeline with `out: console()`";
    show() => "`show` is a sink here: write `.to(out)`, and start the pipeline with `out: console()`";
    foreachRDD | foreach_rdd | foreachBatch | foreach_batch(F)
        => "a batch leaves by a sink here: write `.to(out)`, and give a connector for `out`, or `channel_sink()` for code of your own; to look at records on their way use `.inspect(..)`";
    foreach | forEach | for_each(F)
        => "nothing is done with each record here but on its way: `.inspect(|record| ..)` looks at it, `.map(|record| ..)` makes another of it, `.to(out)` sends it to a sink";
    for_each_concurrent | try_for_each(F)
        => "a stream leaves by a sink here: write `.to(out)`, and start with `out: channel_sink(..)`, whose batches your own tasks may take";
    saveAsTextFiles | save_as_text_files(A, B)
        => "files are a sink here: write `.to(out)`, and start the pipeline with `out: text_files(\"prefix\")`";
    saveAsTextFile | save_as_text_file | writeAsText | write_as_text | saveAsObjectFiles | saveAsHadoopFiles | writeAsCsv | write_csv(A)
        => "files are a sink here: write `.to(out)`, and start the pipeline with `out: text_files(\"prefix\")`";
    addSink | add_sink | sinkTo | sink_to | sink | write_to | send_to | output | output_to | insert_into | forward | pipe_to(S)
        => "a stream is sent to a sink of the header by `.to(out)`; which connector it is, is said when the pipeline is started";
    subscribe(F) => "who reads a stream is a sink here: write `.to(out)`, and start with `out: channel_sink(..)` or `out: view()`";
    writeStream | write_stream() => "a stream is sent to a sink of the header by `.to(out)`; which connector it is, is said when the pipeline is started";
    collect | collect_vec | executeAndCollect | collectAsMap | to_vec()
        => "a stream does not end, so it is not collected: write `.to(out)`, and start with `out: collect()` in a test; `.glom(1)` makes one `Vec` of each batch";
    start | execute | run | awaitTermination() => "a pipeline is started as a whole: `Engine::new().start(..)` takes its `Ports`";
    probe() => "how far a job is, its `metrics()` and `explain()` say: delete `.probe()`";
    capture() => "a stream leaves by a sink here: write `.to(out)`, and start with `out: collect()`";

    // Records one by one.
    flatMap(F) => "`flatMap` is `.flat_map(|record| ..)` here";
    filterNot | filter_not | reject(F) => "write `.filter(|record| !..)`";
    filterMap(F) => "`filterMap` is `.filter_map(|record| ..)` here";
    mapValues(F) => "`mapValues` is `.map_values(|value| ..)` here";
    flatMapValues(F) => "`flatMapValues` is `.flat_map_values(|value| ..)` here";
    keyBy | selectKey | select_key(F) => "this is `.key_by(|record| key)` here; operators by key come behind it";
    peek | tap(F) => "to look at records on their way write `.inspect(|record| ..)`";
    select(F) => "write `.map(|record| ..)`";
    where_ | find | find_all(F) => "write `.filter(|record| ..)`";
    find_map | map_while(F) => "write `.filter_map(|record| ..)`: a stream does not end at a record";
    take_while | skip_while | takeWhile(F)
        => "a stream does not end or begin at a record: choose records with `.filter(|record| ..)`";
    cloned | copied | by_ref | fuse | boxed | into_iter | iter | iter_mut | into_stream
        () => "a stream needs no iterator: its operators, such as `.map(|record| ..)` and `.filter(|record| ..)`, stand directly on it";
    flatten() => "write `.flat_map(|record| record)`";
    unwrap | flatten_options() => "records that are missing are left out by `.filter_map(|record| record)`; those that failed go their own way by `.try_map(|record| record)`";
    expect(A) => "records that are missing are left out by `.filter_map(|record| record)`; those that failed go their own way by `.try_map(|record| record)`, and `failed.fail()` ends the job";
    ok | unwrap_or_default() => "records that failed are left out by `.filter_map(|record| record.ok())`, or go their own way by `.try_map(|record| record)`";
    unwrap_or | unwrap_or_else(A) => "write `.map(|record| record.unwrap_or(..))`: each record is seen by a closure";
    map_err | or_else(F) => "what fails is a stream of its own: `let (made, failed) = records.try_map(|record| ..);`";
    and_then(F) => "what may fail is `.try_map(|record| ..)`, which makes two streams; what may be missing is `.filter_map(|record| ..)`";
    then | map_async | mapAsync | asyncMap | async_map(F)
        => "closures run at once here. Call what is asynchronous before the source: a task awaits it and sends what comes into a `channel(..)`; or behind a sink: a task takes the batches of `channel_sink(..)`";
    buffered | buffer_unordered(N)
        => "closures run at once here. Call what is asynchronous before the source: a task awaits it and sends what comes into a `channel(..)`; or behind a sink: a task takes the batches of `channel_sink(..)`";
    mapPartitions | map_partition(F) => "write `.map_partitions(4, |records| ..)`: parts are as many as you say";
    mapPartitionsWithIndex | map_partitions_with_index(F)
        => "parts have no number here: write `.map_partitions(4, |records| ..)`, or make the part a key with `.key_by(..)`";
    process | flatMapWithState | map_with_timers(F)
        => "state and time-outs by key are `.map_with_state(idle_for(minutes(30)), |key, value, state| ..)` here; without state it is `.flat_map(|record| ..)`";
    enumerate | zipWithIndex | zip_with_index | zipWithUniqueId()
        => "records have no number of their own here, since several workers take them in: count by key with `.map_with_state(..)`";
    scan(A, F) => "what is carried from record to record is state by key: `.map_with_state(unbounded(\"why\"), |key, value, state| ..)`";
    sample | random_split(A) => "choose records with `.filter(|record| ..)`, for instance by a hash of them";
    step_by | every_nth(N) => "choose records with `.filter(|record| ..)`, or count them by key with `.map_with_state(..)`";

    // Batches and what is made of them.
    sum() => "write `.aggregate(sum())`, or `.aggregate_by_key(sum())` by key, with `use streaming_runtime::aggregate::sum`";
    mean | avg | average() => "write `.aggregate(mean())`, or `.aggregate_by_key(mean())` by key, with `use streaming_runtime::aggregate::mean`";
    max() => "write `.aggregate(max())`, or `.aggregate_by_key(max())` by key, with `use streaming_runtime::aggregate::max`";
    min() => "write `.aggregate(min())`, or `.aggregate_by_key(min())` by key, with `use streaming_runtime::aggregate::min`";
    maxBy | max_by | minBy | min_by(F)
        => "write `.reduce(|a, b| ..)`, or `.reduce_by_key(|a, b| ..)` by key, and return the one that you want; of a part it is `.aggregate(max().of(|record| ..))`";
    sumBy | sum_by(F) => "write `.aggregate(sum().of(|record| ..))`, or `.aggregate_by_key(sum().of(|value| ..))` by key";
    product() => "write `.reduce(|a, b| a * b)`";
    first() => "write `.aggregate(first())`, with `use streaming_runtime::aggregate::first`";
    last() => "write `.aggregate(last())`, with `use streaming_runtime::aggregate::last`";
    stdev | variance() => "write `.aggregate(sample_variance())` or `.aggregate(population_variance())`, with `use streaming_runtime::aggregate::sample_variance`";
    fold(A, F) => "a batch is folded by an aggregate: `.aggregate(sum())` and the like, `.reduce(|a, b| ..)`, or a type of your own with `impl Aggregate`";
    try_fold(A, F) => "a batch is folded by an aggregate: `.aggregate(sum())` and the like, `.reduce(|a, b| ..)`, or a type of your own with `impl Aggregate`";
    foldByKey | fold_by_key(A, F) => "write `.reduce_by_key(|a, b| ..)`, or `.combine_by_key(create, add, merge)` where the result has another type";
    aggregateByKey(A, F, G) => "write `.combine_by_key(create, add, merge)`, or `.aggregate_by_key(sum())` with an aggregate that has a name";
    agg(A) => "write `.aggregate(sum())`, or `.aggregate_by_key(sum())` by key; several are a tuple: `.aggregate((sum(), count()))`";
    all | any(F) => "write `.filter(|record| ..).count()` and compare the count in `.map(|n| ..)`";
    position(F) => "records have no place in a stream: choose them with `.filter(|record| ..)`";
    len | size() => "how many records a batch has is a stream: `.count()`";
    is_empty() => "whether a batch is empty is known when it closes: `.count()` makes a stream of counts, and `.filter(|n| *n == 0)` chooses the empty ones";
    contains(A) => "choose the record with `.filter(|record| ..)`, or look it up in a view: `.to(out)` and start with `out: view()`";
    get | contains_key | lookup(A) => "what a stream keeps is asked from outside: write `.to(out)`, start with `out` of `view()`, and ask the view";
    keys() => "write `.map(|(key, _)| key)`";
    values() => "write `.map(|(_, value)| value)`";
    swap() => "write `.map(|(key, value)| (value, key))`";
    dedup | unique | drop_duplicates | dropDuplicates | consolidate() => "equal records of a batch or a window are made one by `.distinct()`";
    dedup_by_key | distinct_by | distinct_by_key | unique_by(F) => "write `.key_by(|record| ..).reduce_by_key(|first, _| first)`: one record a key";
    sort | sorted | sort_unstable | sortByKey | rev() => "a batch has no order until somebody needs it: sort it in `.transform(|time, records| ..)`, or take the largest by `.top_k(10)`";
    sort_by | sort_by_key | sortBy | sorted_by | sorted_by_key | orderBy | order_by(F)
        => "a batch has no order until somebody needs it: sort it in `.transform(|time, records| ..)`, or take the largest by `.top_k(10)`";
    take | limit | head(N) => "a stream does not end: the largest of a batch are `.top_k(3)`, and any of it are chosen in `.transform(|time, records| records.into_iter().take(3))`";
    top | takeOrdered | take_ordered(N) => "write `.top_k(3)`: the largest records, as one `Vec`";
    nth(N) => "records have no number of their own here: choose them with `.filter(|record| ..)`";
    next | try_next | recv | peekable() => "a pipeline says what becomes of each record, as `.map(|record| ..)` does; to take records out by hand send them to a sink: `.to(out)`, started with `out: channel_sink(..)`";
    chunks | ready_chunks | array_chunks | batched | chunk(N) => "records come in batches already, see `#[batch(..)]`: `.glom(4)` makes `Vec`s of each";
    chunks_timeout | buffer_time | buffer(N, T) => "records come in batches already, see `#[batch(..)]`: `.glom(4)` makes `Vec`s of each";
    groupBy | group_by | into_group_map_by(F) => "write `.key_by(|record| key).group_by_key()`; if something is computed of a group, `.reduce_by_key(..)` or `.aggregate_by_key(..)` costs less";
    into_group_map | groupByKey() => "write `.group_by_key()`; if something is computed of a group, `.reduce_by_key(..)` or `.aggregate_by_key(..)` costs less";
    reduceByKey(F) => "`reduceByKey` is `.reduce_by_key(|a, b| ..)` here";
    combineByKey(F, G, H) => "`combineByKey` is `.combine_by_key(create, add, merge)` here";
    countByValue | value_counts() => "this is `.count_by_value()` here";
    countByKey | counts_by_key() => "this is `.count_by_key()` here";
    partition | branch(F) => "write `let (these, others) = records.split(|record| ..);`";
    unzip() => "read the stream twice: `.map(|(a, _)| a)` and `.map(|(_, b)| b)`";

    // Windows and time.
    countByWindow | count_by_window(W, S) => "the window comes first: `.window(secs(30), secs(10)).count()`";
    countByValueAndWindow | count_by_value_and_window(W, S) => "the window comes first: `.window(secs(30), secs(10)).count_by_value()`";
    reduceByWindow | reduce_by_window(F, W, S) => "the window comes first: `.window(secs(30), secs(10)).reduce(|a, b| ..)`";
    reduceByKeyAndWindow | reduce_by_key_and_window(F, W, S) => "the window comes first: `.window(secs(30), secs(10)).reduce_by_key(|a, b| ..)`";
    groupByKeyAndWindow | group_by_key_and_window(W, S) => "the window comes first: `.window(secs(30), secs(10)).group_by_key()`";
    timeWindow | time_window | timeWindowAll | tumbling_window | tumbling | tumble | tumblingWindow(W)
        => "a window has a size and a slide: `.window(secs(10), secs(10))`; if the window is the batch, none is needed";
    sliding_window | hopping_window | hop | slidingWindow(W, S) => "write `.window(secs(30), secs(10))`: the size, then the slide";
    windowAll | window_all(W) => "a window has a size and a slide: `.window(secs(10), secs(10))`; without a key its operators are of the whole window";
    countWindow | count_window | countWindowAll(N) => "windows are of time here: `.window(secs(10), secs(1))`; so many records of a key are kept by `.map_with_state(..)`";
    session_window | sessionWindow | sessions(G) => "a session is state that times out: `.map_with_state(idle_for(minutes(30)), |key, value, state| ..)`";
    trigger | evictor(A) => "a window is delivered at its slide: `.window(secs(30), secs(10))`";
    allowedLateness | allowed_lateness | sideOutputLateData(A) => "a batch holds what arrived in it, so nothing is late: `.window(..)` is by the time of arrival, a `BatchTime`";
    assignTimestampsAndWatermarks | assign_timestamps_and_watermarks | assign_timestamps | with_timestamp(A)
        => "batches and windows are by the time of arrival, a `BatchTime` that `.transform(|time, records| ..)` shows; time that records carry is a field of theirs";
    withWatermark | with_watermark(A, B)
        => "batches and windows are by the time of arrival, a `BatchTime` that `.transform(|time, records| ..)` shows; time that records carry is a field of theirs";
    throttle | debounce | rate_limit(A) => "how fast a source may be is said at the start: `Engine::new().max_rate(1000.0)`; results come once a batch, see `#[batch(..)]`";
    timeout(A) => "state times out by `.map_with_state(idle_for(minutes(30)), ..)`, a source by its connector";
    delay | delay_batch(A) => "what came earlier is in a window: `.window(secs(30), secs(10))`";
    slice(A, B) => "what came in a time is a window: `.window(secs(30), secs(10))`";

    // State.
    updateStateByKey | update_state_by_key(F) => "this is `.update_state(|key, state, values| ..)` here, and behind it `.expire_after(..)` or `.allow_unbounded(\"why\")`";
    mapWithState(F) => "this is `.map_with_state(idle_for(minutes(30)), |key, value, state| ..)` here";
    asQueryableState | as_queryable_state(A) => "what a stream keeps is asked from outside: write `.to(out)`, start with `out` of `view()`, and ask the view";
    toTable | to_table | into_table() => "what is kept is a stream, too: `.update_state(..)` or `.window(..)` makes it, and a `view()` at a sink can be asked";
    toStream | to_stream() => "what changes in what is kept is `.changes()`; the whole of it `.snapshot()`";
    push | insert | extend(A) => "records come from a source: declare it in the header, and start with `channel(..)`, whose sender pushes them";

    // Several streams.
    leftOuterJoin | left_outer_join(A) => "this is `.left_join(other)` here";
    rightOuterJoin | right_outer_join(A) => "this is `.right_join(other)` here";
    fullOuterJoin | full_outer_join | outer_join(A) => "this is `.full_join(other)` here";
    inner_join | innerJoin(A) => "this is `.join(other)` here";
    coGroup | groupWith | connect(A) => "two streams by key are `.cogroup(other)` or `.join(other)` here; of one type, `.union(other)`";
    intervalJoin | interval_join(A) => "streams are joined in windows: `a.window(..).join(b.window(..))`";
    within(A) => "how far apart is said by windows: `a.window(..).join(b.window(..))`";
    zip(A) => "records have no number to be matched by: give both a key with `.key_by(..)` and `.join(other)`";
    chain | merge | concat | concatenate | interleave | union_all | unionAll(A) => "both streams are `.union(other)` here";
    intersection | intersect(A) => "what both have is `.map(|record| (record, ())).semijoin(other)`, by key";
    subtract | difference | except | subtractByKey(A) => "what the other does not have is `.antijoin(other)`, by key";
    cartesian | cross_join(A) => "give both one key and join: `.key_by(|_| ()).join(other.key_by(|_| ()))`";
    broadcast() => "a stream is read by whoever needs it; with `.join(other)` each record meets those of its key";
    transformWith(A, F) => "this is `.transform_with(other, |time, mine, others| ..)` here";
    getSideOutput | side_output(A) => "two ways are two streams: `let (these, others) = records.split(|record| ..);` or `.try_map(..)`";
    tee() => "a stream is read as often as you like: write its name again";
    clone() => "a stream is read as often as you like: write its name again, without `.clone()`";

    // What the engine does by itself.
    cache | persist | unpersist() => "a stream that is read more than once is computed once: delete this call";
    checkpoint(A) => "a job is checkpointed as a whole: `Engine::new().checkpoint(\"directory\")`; delete this call";
    shuffle | rebalance | rescale() => "operators by key bring records to their key's worker; to spread work write `.repartition(4)`";
    exchange | partitionBy | partition_by | partitionCustom | distribute_by(F) => "operators by key bring records to their key's worker: write `.key_by(|record| key)` and one of them; to spread work `.repartition(4)`";
    coalesce(N) => "to spread work over fewer workers write `.repartition(4)`";
    setParallelism | set_parallelism | parallelism(N) => "workers are said at the start: `Engine::new().workers(4)`";
    name | uid | set_name | named(A) => "an operator is named by the `let` in front of it: `let name = ..;`";
    disableChaining() => "operators are fused where they can be; to give them one of their own write `.share()`";
    arrange_by_key | arrangeByKey | arrange() => "what joins and loops need is arranged by them: delete this call";
    enter(A) => "streams enter a loop by themselves: write the name in `.iterate(|stream| ..)`";
    leave() => "a loop is left by itself: what `.iterate(|stream| ..)` makes is outside";
    iterate_until | iterateWithTermination(A, F) => "a loop ends when nothing changes: `.iterate(|stream| ..)`; after so many rounds: `.iterate_at_most(10, |stream| ..)`";
    await_termination() => "a job is waited for outside: `job.join().await`";
    to_string | display() => "records become text by `.map(|record| record.to_string())`";
}
