-- expect: R422 4-8
function InterpretHealth(observedObj)
  local turns = 0
  ::again::
  do
    turns = turns + 1
    goto again
  end
end
